package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arrows is which room may import which: the architecture as it is meant.
var arrows = map[string][]string{
	"":                 nil, // the schema file, embedded
	"server":           {"", "graph", "resolvers", "plr", "store/boltstore", "store/mongostore", "signin", "web", "lrs", "devop"},
	"resolvers":        {"graph", "plr", "signin"},
	"graph":            {"plr", "graph"},
	"web":              {"plr", "signin"},
	"signin":           {"plr"},
	"lrs":              {"plr"},
	"store/boltstore":  {"plr"},
	"store/mongostore": {"plr"},
	"cluster":          {"plr", "store/mongostore", "store/boltstore", "store/storetest", "lrs"}, // a module of its own; lrs for the sample people
	"store/storetest":  {"plr"},
	"devop":            nil,
	"bench":            nil,
	"plr":              nil,
}

// testArrows are further imports that test files of a room may have.
var testArrows = map[string][]string{
	"store/boltstore":  {"store/storetest"},
	"store/mongostore": {"store/storetest"},
	"lrs":              {"store/boltstore"},
}

// roomOf gives the room a folder belongs to: the longest that holds it.
func roomOf(folder string) (string, bool) {
	best, known := "", false
	for room := range arrows {
		if (folder == room || (room != "" && strings.HasPrefix(folder, room+"/"))) && len(room) >= len(best) {
			best, known = room, true
		}
	}
	return best, known
}

func TestImportsFollowTheArchitecture(t *testing.T) {
	t.Parallel()
	root := ".."
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "data" || name == "bin") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		files++
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(relative))
		if folder == "." {
			folder = ""
		}
		room, known := roomOf(folder)
		if !known {
			t.Errorf("%s lies in no room of the architecture", relative)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		allowed := arrows[room]
		if strings.HasSuffix(name, "_test.go") {
			allowed = append(slices.Clone(allowed), testArrows[room]...)
		}
		for _, spec := range file.Imports {
			target, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "openplr")
			if !ours || (target != "" && target[0] != '/') {
				continue
			}
			to, _ := roomOf(strings.TrimPrefix(target, "/"))
			if to != room && !slices.Contains(allowed, to) {
				t.Errorf("%s: %q must not import %q", relative, room, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d Go files were looked at", files)
	}
}
