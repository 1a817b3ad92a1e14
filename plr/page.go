package plr

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// PageRequest asks for one page of a list.
type PageRequest struct {
	// First is how many items are wanted: 1 to 100.
	First int
	// After is the cursor behind which the page begins; nil for the start.
	After *string
}

// Page is one page of a list, with what a Relay connection needs to know.
type Page[E any] struct {
	Items   []E
	Cursors []string
	// Total counts all items, not only this page's.
	Total       int
	HasNext     bool
	HasPrevious bool
}

// MaxPage is the largest page a caller may ask for.
const MaxPage = 100

const cursorVersion = "1"

// keyset describes a total order: sort names it, so that a cursor made for one
// order is refused by another; key and id place an item in it.
type keyset[E any] struct {
	sort       string
	descending bool
	key        func(E) string
	id         func(E) string
}

// paginate sorts items by k and cuts the page. The cursor holds the last
// item's place, not a count, so that a list that grows never repeats or skips.
func paginate[E any](items []E, page PageRequest, k keyset[E]) (*Page[E], error) {
	if err := page.check(); err != nil {
		return nil, err
	}
	sortByKey(items, k)
	start := 0
	if page.After != nil {
		key, id, ok := parseCursor(*page.After, k.sort)
		if !ok {
			return nil, badCursor()
		}
		start = len(items)
		for i, item := range items {
			if behind(k.key(item), k.id(item), key, id, k.descending) {
				start = i
				break
			}
		}
	}
	end := min(start+page.First, len(items))
	out := &Page[E]{Items: items[start:end], Total: len(items), HasNext: end < len(items), HasPrevious: start > 0}
	for _, item := range out.Items {
		out.Cursors = append(out.Cursors, makeCursor(k.sort, k.key(item), k.id(item)))
	}
	return out, nil
}

func (p PageRequest) check() error {
	if p.First < 1 || p.First > MaxPage {
		return refuse(CodeOutOfRange, T("Ask for 1 to 100 items.", "Gofynnwch am rhwng 1 a 100 o eitemau."), "first")
	}
	return nil
}

func badCursor() *Error {
	return refuse(CodeInvalid, T(
		"This cursor does not belong to this list. Begin again without it.",
		"Nid yw'r cyrchwr hwn yn perthyn i'r rhestr hon. Dechreuwch eto hebddo."), "after")
}

func behind(key, id, cursorKey, cursorID string, descending bool) bool {
	if key == cursorKey {
		return id != cursorID && (id < cursorID) == descending
	}
	return (key < cursorKey) == descending
}

func makeCursor(sort, key, id string) string {
	raw := fmt.Sprintf("%s\x00%s\x00%s\x00%s", cursorVersion, sort, id, key)
	return base64.RawURLEncoding.EncodeToString([]byte(raw))
}

// parseCursor gives the place a cursor names, if it is one of sort's cursors.
func parseCursor(cursor, sort string) (key, id string, ok bool) {
	if len(cursor) > 2048 {
		return "", "", false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return "", "", false
	}
	parts := strings.SplitN(string(raw), "\x00", 4)
	if len(parts) != 4 || parts[0] != cursorVersion || parts[1] != sort {
		return "", "", false
	}
	return parts[3], parts[2], true
}
