package web

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTextTables(t *testing.T) {
	t.Parallel()
	verbs := regexp.MustCompile(`%[a-z]`)
	for key, en := range textEN {
		cy, ok := textCY[key]
		switch {
		case !ok:
			t.Errorf("%s has no Welsh", key)
		case strings.TrimSpace(en) == "" || strings.TrimSpace(cy) == "":
			t.Errorf("%s is empty", key)
		case !slices.Equal(verbs.FindAllString(en, -1), verbs.FindAllString(cy, -1)):
			t.Errorf("%s takes other arguments in Welsh", key)
		}
	}
	for key := range textCY {
		if _, ok := textEN[key]; !ok {
			t.Errorf("%s has no English", key)
		}
	}
}

// Keys stand whole in the code and the templates, never put together, so that
// both searches below find them.
func TestEveryTextIsUsedAndEveryKeyKnown(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	collect := func(pattern string, find *regexp.Regexp, always bool) {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || file == "text_en.go" || file == "text_cy.go" {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range find.FindAllSubmatch(source, -1) {
				key := string(m[1])
				if _, known := textEN[key]; known {
					used[key] = true
				} else if always {
					t.Errorf("%s: no text %q", file, key)
				}
			}
		}
	}
	collect("templates/*.html", regexp.MustCompile(`\.T "([^"]+)"`), true)
	collect("*.go", regexp.MustCompile(`say\(l, "([^"]+)"`), true)
	collect("*.go", regexp.MustCompile(`"([a-z]+(?:\.[a-z0-9]+)+)"`), false)
	for key := range textEN {
		if !used[key] {
			t.Errorf("%s is used nowhere", key)
		}
	}
}

func TestKeysOfTablesAreKnown(t *testing.T) {
	t.Parallel()
	var keys []string
	for _, texts := range statusTexts {
		keys = append(keys, texts.title, texts.body)
	}
	for _, texts := range problemTexts {
		keys = append(keys, texts.title, texts.body)
	}
	for _, p := range purposeTexts {
		keys = append(keys, p.key)
	}
	for _, c := range slices.Concat(mainColumns, detailColumns) {
		keys = append(keys, c.LabelKey)
	}
	for _, key := range keys {
		if _, ok := textEN[key]; !ok {
			t.Errorf("no text %q", key)
		}
	}
}
