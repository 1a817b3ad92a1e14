package boltstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"openplr/plr"
	"openplr/store/storetest"
)

// fillValue sets everything reachable to something that is not its zero value,
// and no two texts alike. Fields that are not stored stay as they are.
func fillValue(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem(), n)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(storetest.T0.Add(time.Duration(*n) * time.Millisecond)))
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				fillValue(v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range 3 {
			fillValue(v.Index(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("this test cannot fill a " + v.Kind().String())
	}
}

// TestRecordCodecKeepsEveryField fails when a type gets a field that the codec
// does not write.
func TestRecordCodecKeepsEveryField(t *testing.T) {
	t.Parallel()
	var full plr.Record
	n := 0
	fillValue(reflect.ValueOf(&full).Elem(), &n)
	derived := full
	derived.Events = append([]plr.LearningEvent(nil), full.Events...)
	derived.Events[0].ID = plr.EventIDOf(derived.Events[0].EventID)
	zero := 0
	london := time.Date(1971, 6, 1, 12, 0, 0, 5, plr.London())
	for name, r := range map[string]plr.Record{
		"every field": full, "an id derived from the number": derived, "nothing": {},
		"empty lists": {LinkedULNs: []plr.ULN{}, Register: &plr.RegisterEntry{LinkedULNs: []plr.ULN{}}, Events: []plr.LearningEvent{{DataQuality: []plr.DataQualityNote{}}}},
		"empty values": {Events: []plr.LearningEvent{{
			Subject: new(string), Grade: &plr.Grade{}, Credits: &zero, AwardDate: new(plr.Date), AchievementProvider: &plr.Organisation{}, DateLoaded: &time.Time{},
		}}},
		"a time before 1970, in another zone": {UpdatedAt: london},
		"a sample":                            {ULN: storetest.ULN(1), Events: storetest.Update(storetest.ULN(1), 40).Events},
	} {
		data, err := encode(&r)
		if err != nil {
			t.Fatal(err)
		}
		var got plr.Record
		if err := decode(data, &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := r
		want.UpdatedAt = r.UpdatedAt.UTC()
		if !reflect.DeepEqual(got, want) {
			g, _ := json.Marshal(got)
			w, _ := json.Marshal(want)
			t.Errorf("%s:\n got %s\nwant %s", name, g, w)
		}
		if at, err := recordUpdatedAt(data); err != nil || !at.Equal(r.UpdatedAt) {
			t.Errorf("%s: updated %v, %v", name, at, err)
		}
		for cut := 1; cut < len(data); cut += 1 + len(data)/200 {
			if err := decode(data[:cut], &plr.Record{}); !errors.Is(err, errRecord) {
				t.Errorf("%s cut off at %d: %v", name, cut, err)
			}
		}
		if err := decode(append(bytes.Clone(data), 0), &plr.Record{}); !errors.Is(err, errRecord) {
			t.Errorf("%s with a byte too many: %v", name, err)
		}
	}
	if err := decode(encodeRecord(&full), &plr.Account{}); err == nil {
		t.Error("a record was read as an account")
	}
}

// What is read shares nothing with itself: changing one event changes no other.
func TestRecordCodecSharesNothing(t *testing.T) {
	t.Parallel()
	r := plr.Record{Events: storetest.Update(storetest.ULN(1), 9).Events}
	var got plr.Record
	if err := decode(encodeRecord(&r), &got); err != nil {
		t.Fatal(err)
	}
	*got.Events[3].Subject, *got.Events[3].AchievementProvider.Name = "changed", "changed"
	for i, e := range got.Events {
		if i != 3 && (*e.Subject == "changed" || *e.AchievementProvider.Name == "changed") {
			t.Errorf("event %d changed too", i)
		}
	}
}

// A record that an older layout stored as JSON is read, and written anew in the
// newer form when it changes.
func TestRecordOfLayout1(t *testing.T) {
	t.Parallel()
	s := temp(t)
	u := storetest.Update(storetest.NewULN(), 2)
	old := plr.NewRecord(u.ULN)
	old.Apply(u, storetest.T0)
	text, err := json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	err = s.write(t.Context(), func(x *tx) error {
		x.written = true
		return x.bolt.Bucket(records).Put(keyOf(string(u.ULN)), append([]byte{codecJSON}, text...))
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Record(t.Context(), u.ULN)
	if err != nil || !reflect.DeepEqual(got, old) {
		t.Fatalf("%+v, %v", got, err)
	}
	if at, err := recordUpdatedAt(append([]byte{codecJSON}, text...)); err != nil || !at.Equal(storetest.T0) {
		t.Errorf("updated %v, %v", at, err)
	}
	later := storetest.T0.AddDate(0, 0, 2)
	if changes, err := s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, later); err != nil || changes[0].EventsSame != 2 {
		t.Fatalf("%+v, %v", changes, err)
	}
	err = s.read(t.Context(), func(x *tx) error {
		if v := x.bolt.Bucket(records).Get(keyOf(string(u.ULN))); v[0] != codecRecord || len(v)*2 > len(text) {
			t.Errorf("codec %d, %d bytes; as JSON %d", v[0], len(v), len(text))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func FuzzRecordCodec(f *testing.F) {
	r := plr.Record{ULN: storetest.ULN(1), Events: storetest.Update(storetest.ULN(1), 2).Events}
	whole := encodeRecord(&r)[1:]
	f.Add(whole)
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		broken := bytes.Clone(whole)
		broken[rnd.IntN(len(broken))] ^= byte(1 << rnd.IntN(8))
		f.Add(broken)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second plr.Record
		if decodeRecord(data, &first) != nil {
			return
		}
		// Whatever was read is written so that it is read the same.
		if err := decodeRecord(encodeRecord(&first)[1:], &second); err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%v\n%+v\n%+v", err, first, second)
		}
	})
}

func BenchmarkRecordCodec(b *testing.B) {
	r := plr.NewRecord(storetest.ULN(1))
	r.Apply(storetest.Update(r.ULN, 15), storetest.T0)
	data := encodeRecord(r)
	text, _ := json.Marshal(r)
	b.Logf("15 events: %d bytes, as JSON %d", len(data), len(text))
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encodeRecord(r)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := decodeRecord(data[1:], &plr.Record{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read JSON", func(b *testing.B) {
		for b.Loop() {
			if err := json.Unmarshal(text, &plr.Record{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
