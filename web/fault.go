package web

import (
	"errors"
	"time"

	"openplr/plr"
)

// causes writes err with the causes that *plr.Error keeps from people.
func causes(err error) string {
	words := err.Error()
	var e *plr.Error
	if errors.As(err, &e) && e.Unwrap() != nil {
		words += ": " + e.Unwrap().Error()
	}
	return words
}

func retryAfter(err error) time.Duration {
	var e *plr.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
