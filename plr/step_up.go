package plr

import "time"

// MayClaimRecord says whether somebody who has just signed in, or whose session
// came back from proving identity at identityAt (zero for never), may change what
// their account is connected to: CodeStepUpRequired for others.
func (s *Service) MayClaimRecord(signedIn bool, identityAt time.Time) error {
	if signedIn || fresh(&identityAt, s.now()) {
		return nil
	}
	return StepUpRequired(ActionClaimRecord)
}
