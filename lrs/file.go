package lrs

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// File is something to import. Open is called once, when its turn comes.
type File struct {
	// Name is shown, in part, in the rejects file: see Reject.
	Name string
	Open func() (io.ReadCloser, error)
}

// Paths names files on disk.
func Paths(paths ...string) []File {
	files := make([]File, len(paths))
	for i, path := range paths {
		files[i] = File{Name: path, Open: func() (io.ReadCloser, error) {
			return os.Open(path)
		}}
	}
	return files
}

// FSFiles names the XML files at the top of fsys, in the order of their names.
func FSFiles(fsys fs.FS) ([]File, error) {
	names, err := fs.Glob(fsys, "*.xml")
	if err != nil {
		return nil, err
	}
	files := make([]File, len(names))
	for i, name := range names {
		files[i] = File{Name: name, Open: func() (io.ReadCloser, error) { return fsys.Open(name) }}
	}
	return files, nil
}

var longDigits = regexp.MustCompile(`[0-9]{8,}`)

// shownName is what of a file's name may be written down. Answers are often
// saved under the learner's number or date of birth.
func shownName(name string) string {
	return longDigits.ReplaceAllString(filepath.Base(name), "#")
}
