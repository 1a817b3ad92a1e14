package lrs_test

import (
	"bytes"
	"io/fs"
	"testing"

	"openplr/lrs"
)

// One answer of 60 events, read and converted.
func BenchmarkRead(b *testing.B) {
	data := must(fs.ReadFile(lrs.Samples(), "02-adult-60-events.xml"))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := lrs.Read(bytes.NewReader(data), today, func(*lrs.Answer) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
