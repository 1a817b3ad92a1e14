package lrs

import "regexp"

const (
	maxDroppedNames = 200
	// otherNames stands for names that are not written down.
	otherNames = "(other)"
)

// droppedName is the form of the LRS's own element names. A name of another
// form could be a value in disguise, or of any length.
var droppedName = regexp.MustCompile(`^[A-Za-z_]{1,60}[0-9]{0,2}$`)

// countDropped counts one more element called name, in prefix.
func countDropped(counts map[string]int, prefix, name string) map[string]int {
	if counts == nil {
		counts = map[string]int{}
	}
	key := prefix + name
	if !droppedName.MatchString(name) {
		key = otherNames
	} else if _, held := counts[key]; !held && len(counts) >= maxDroppedNames {
		key = otherNames
	}
	counts[key]++
	return counts
}

// addDropped adds the counts of more to counts, under the same bound.
func addDropped(counts, more map[string]int) map[string]int {
	if counts == nil {
		counts = map[string]int{}
	}
	for key, n := range more {
		if _, held := counts[key]; !held && len(counts) >= maxDroppedNames {
			key = otherNames
		}
		counts[key] += n
	}
	return counts
}
