package web

import (
	"errors"
	"fmt"
	"time"

	"openplr/plr"
)

// kind names the type of the innermost cause of err. Its words are not
// logged: drivers put addresses and values into them.
func kind(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}

func retryAfter(err error) time.Duration {
	var e *plr.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
