package signin

import (
	"context"
)

// arriveApp ends a trip that an app waits for: it gives the address at the app
// with a code that the app trades for tokens. On a step-up or identity trip the
// caller has checked what such a trip must bring.
func (s *SignIn) arriveApp(ctx context.Context, t *transaction, p *proof, idToken string) (location string, code Problem, err error) {
	return "", ProblemInternal, errAppNotBuilt
}

// appRefusal is the address at the app that tells it that the trip failed.
func (s *SignIn) appRefusal(t *transaction, code Problem) (location string) {
	return ""
}

const errAppNotBuilt = why("app sessions are not built")
