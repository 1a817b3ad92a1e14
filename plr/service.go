package plr

import (
	"context"
	"errors"
	"io"
	"time"

	_ "time/tzdata" // the container has no zone files
)

var london = mustLoad("Europe/London")

func mustLoad(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zone is compiled in: only a broken build gets here
	}
	return loc
}

// London is the zone that days and upstream times without a zone are meant in.
func London() *time.Location { return london }

// Service is the domain at work: every rule is applied here, whichever edge asks.
type Service struct {
	store     Store
	clock     func() time.Time
	random    io.Reader
	linkKeys  LinkKeys
	publicURL string
	marking   string
	pinSlots  chan struct{}
	drawSlots chan struct{}
	// claimFloor and pause: see Config.
	claimFloor time.Duration
	pause      func(ctx context.Context, d time.Duration)
}

// Config is what a Service needs.
type Config struct {
	Store Store
	// Now gives the time; Random gives unpredictable bytes.
	Now    func() time.Time
	Random io.Reader
	// LinkKeys derive link secrets; the first makes new ones.
	LinkKeys LinkKeys
	// PublicURL is where people reach the service, without a trailing slash.
	PublicURL string
	// Marking is the handling marking put on every disclosed page and file.
	Marking string
	// PINSlots is how many PINs may be hashed at once (20 MB each), and how many
	// QR codes drawn.
	PINSlots int
	// ClaimFloor is how long every claim of a record takes at least that fails,
	// whatever it fails for; 750 ms when zero.
	ClaimFloor time.Duration
	// Pause waits for d, or until ctx is done; nil for the clock on the wall.
	Pause func(ctx context.Context, d time.Duration)
}

// claimFloor is far more than a claim takes on a store that is well.
const claimFloor = 750 * time.Millisecond

// New makes a Service. Every part of the Config without a default must be set.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Now == nil || c.Random == nil || len(c.LinkKeys) == 0 || c.PublicURL == "" || c.Marking == "" || c.PINSlots < 1 {
		return nil, errors.New("plr: incomplete Config")
	}
	if c.ClaimFloor == 0 {
		c.ClaimFloor = claimFloor
	}
	if c.Pause == nil {
		c.Pause = sleep
	}
	return &Service{
		store: c.Store, clock: c.Now, random: c.Random, linkKeys: c.LinkKeys,
		publicURL: c.PublicURL, marking: c.Marking, pinSlots: make(chan struct{}, c.PINSlots), drawSlots: make(chan struct{}, c.PINSlots),
		claimFloor: c.ClaimFloor, pause: c.Pause,
	}, nil
}

// now is the time in UTC to the millisecond, as the API writes it, so that a
// time read back compares equal.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Millisecond) }
