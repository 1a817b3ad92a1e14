package plr

import (
	"fmt"
	"testing"
)

func FuzzCursor(f *testing.F) {
	f.Add("MQBldmVudHMAaWQAa2V5", "events:AWARD_DATE:DESC")
	f.Add(makeCursor("views", "2026", "vw_1"), "views")
	f.Fuzz(func(t *testing.T, cursor, sort string) {
		key, id, ok := parseCursor(cursor, sort)
		if ok && makeCursor(sort, key, id) != cursor {
			t.Errorf("%q is read as %q, %q and written otherwise", cursor, key, id)
		}
	})
}

// Every order, page size and direction walks every item once, equal keys included.
func TestPaginateWalksEveryItemOnce(t *testing.T) {
	t.Parallel()
	type item struct{ key, id string }
	for _, descending := range []bool{true, false} {
		for first := 1; first <= 8; first++ {
			k := keyset[item]{sort: "s", descending: descending, key: func(i item) string { return i.key }, id: func(i item) string { return i.id }}
			seen := map[string]int{}
			page := PageRequest{First: first}
			for range 20 {
				items := []item{{"b", "1"}, {"a", "2"}, {"a", "3"}, {"", "4"}, {"c\x00x", "5"}, {"a", "6"}, {"c", "7"}}
				got, err := paginate(items, page, k)
				if err != nil {
					t.Fatal(err)
				}
				for _, i := range got.Items {
					seen[i.id]++
				}
				if !got.HasNext {
					break
				}
				page.After = &got.Cursors[len(got.Cursors)-1]
			}
			if fmt.Sprint(seen) != "map[1:1 2:1 3:1 4:1 5:1 6:1 7:1]" {
				t.Errorf("descending %v, first %d: %v", descending, first, seen)
			}
		}
	}
}
