package plr

import "time"

// MayClaimRecord says whether somebody who has just signed in (fresh), or whose
// session came back from proving identity at identityAt (zero for never), may
// change what their account is connected to: CodeStepUpRequired for others.
func (s *Service) MayClaimRecord(fresh bool, identityAt time.Time) error {
	if fresh || (!identityAt.IsZero() && s.now().Before(identityAt.Add(IdentityLife))) {
		return nil
	}
	return StepUpRequired(ActionClaimRecord)
}
