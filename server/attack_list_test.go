package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// attackCases is how many attacks on sign-in, sessions and binding are known by
// number. Each has a test that is named by it, in whichever room it belongs to.
const attackCases = 70

func TestEveryAttackHasATest(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`(?m)^func Test(?:Browser)?Attack([0-9]{2})[A-Z]\w*\(`)
	seen := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git" || entry.Name() == ".tmp"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, found := range named.FindAllSubmatch(text, -1) {
			seen[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= attackCases; n++ {
		if number := fmt.Sprintf("%02d", n); !seen[number] {
			t.Errorf("no test is named TestAttack%s...", number)
		}
	}
	if len(seen) != attackCases {
		t.Errorf("%d attacks have tests, %d are known", len(seen), attackCases)
	}
}
