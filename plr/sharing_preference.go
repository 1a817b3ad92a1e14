package plr

import (
	"context"
	"errors"
	"time"
)

// SharingPreference is the learner's switch, with what it means and its history.
type SharingPreference struct {
	OptedOut bool
	// Since is when the switch was last moved; nil while nobody ever moved it.
	Since *time.Time
	// PausedLinks counts the links that an opt-in could resume.
	PausedLinks int
	// AbilityToShare is the upstream flag as the LRS sent it, never rewritten here.
	AbilityToShare *AbilityToShare
	// History holds every move of the switch, newest first.
	History []PreferenceChange
}

// PreferenceChange is one move of the switch.
type PreferenceChange struct {
	OptedOut bool
	At       time.Time
	Channel  PreferenceChannel
}

// PreferenceChannel is how a move of the switch reached the service.
type PreferenceChannel string

// ChannelSelf: the learner moved the switch here.
const ChannelSelf PreferenceChannel = "SELF"

// ChannelReview: sharing was switched off when a review connected an account to
// a record under the sensitive learners policy.
const ChannelReview PreferenceChannel = "REVIEW"

// AbilityToShare is the Learner Register's own sharing flag.
type AbilityToShare string

// The values the LRS has used (source: LRS R9 enum of 2017 and DfE proxy of 2021).
const (
	AbilityNotProvided AbilityToShare = "NOT_PROVIDED"
	AbilityNotSeen     AbilityToShare = "NOTICE_NOT_SEEN"
	AbilityShare       AbilityToShare = "NOTICE_SEEN_CAN_SHARE"
	AbilityDoNotShare  AbilityToShare = "NOTICE_SEEN_CANNOT_SHARE"
	AbilityUnknown     AbilityToShare = "UNKNOWN"
)

func abilityOf(r *RegisterEntry) *AbilityToShare {
	if r == nil || r.AbilityToShare == "" {
		return nil
	}
	a, ok := map[string]AbilityToShare{
		"-1": AbilityNotProvided, "0": AbilityNotSeen, "1": AbilityShare, "2": AbilityDoNotShare,
	}[r.AbilityToShare]
	if !ok {
		a = AbilityUnknown
	}
	return &a
}

// OptOutConsequences is what a learner must have read before switching off.
var OptOutConsequences = T(
	"While sharing is off, none of your links, QR codes or codes opens, for anyone. Organisations cannot read your record through this service, "+
		"so you may have to show certificates or other proof yourself, and organisations cannot act for you with your record. "+
		"You keep your Unique Learner Number and can still see your record. You can switch sharing on again at any time. "+
		"Somebody who already opened a link may have kept what they saw.",
	"Tra bo rhannu wedi'i ddiffodd, ni fydd yr un o'ch dolenni, codau QR na chodau yn agor, i neb. Ni all sefydliadau ddarllen eich cofnod drwy'r gwasanaeth hwn, "+
		"felly efallai y bydd rhaid i chi ddangos tystysgrifau neu brawf arall eich hun, ac ni all sefydliadau weithredu ar eich rhan gyda'ch cofnod. "+
		"Rydych yn cadw eich Rhif Unigryw'r Dysgwr a gallwch weld eich cofnod o hyd. Gallwch droi rhannu ymlaen eto unrhyw bryd. "+
		"Mae'n bosibl bod rhywun sydd eisoes wedi agor dolen wedi cadw'r hyn a welodd.")

// SharingPreference gives the learner's switch.
func (s *Service) SharingPreference(ctx context.Context, l *Learner) (*SharingPreference, error) {
	sharing, err := s.store.Sharing(ctx, l.ULN)
	if err != nil {
		return nil, err
	}
	history, err := s.store.PreferenceChanges(ctx, l.ULN)
	if err != nil {
		return nil, err
	}
	return s.preference(l, sharing, history), nil
}

func (s *Service) preference(l *Learner, sharing *Sharing, history []PreferenceChange) *SharingPreference {
	p := &SharingPreference{
		OptedOut: sharing.Off(l.Record.restricted()), Since: sharing.ChangedAt,
		AbilityToShare: abilityOf(l.Record.Register), History: history,
	}
	for _, link := range sharing.Links {
		if sharing.StateOf(link, s.now(), l.Record.restricted()) == LinkPaused && !link.Paused {
			p.PausedLinks++
		}
	}
	return p
}

// SetSharingPreferenceInput moves the switch.
type SetSharingPreferenceInput struct {
	OptOut bool
	// ConsequencesAcknowledged must be true to opt out.
	ConsequencesAcknowledged bool
	// ResumeLinks, when opting in, makes the links paused by the opt-out work again.
	ResumeLinks bool
}

// SetSharingPreference moves the switch. When it returns from an opt-out, no
// disclosure is under way and none can begin, whichever replica is asked.
func (s *Service) SetSharingPreference(ctx context.Context, uln ULN, in SetSharingPreferenceInput) (*SharingPreference, error) {
	l, err := s.Learner(ctx, uln)
	if err != nil {
		return nil, err
	}
	var faults faultList
	if in.OptOut && !in.ConsequencesAcknowledged {
		faults.add(refuse(CodeAcknowledgementRequired, T(
			"Read what switching off means (sharingPreference.consequences) and confirm it with consequencesAcknowledged.",
			"Darllenwch beth mae diffodd yn ei olygu (sharingPreference.consequences) a'i gadarnhau gyda consequencesAcknowledged."),
			"consequencesAcknowledged"))
	}
	if in.OptOut && in.ResumeLinks {
		faults.add(refuse(CodeInvalid, T("Links can only be resumed when switching sharing on.", "Dim ond wrth droi rhannu ymlaen y gellir ailddechrau dolenni."), "resumeLinks"))
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	if !in.OptOut {
		if err := s.mayShare(ctx, uln); err != nil {
			return nil, err
		}
	}
	before, err := s.store.Sharing(ctx, uln)
	if err != nil {
		return nil, err
	}
	if before.ChangedAt != nil && before.OptedOut == in.OptOut && !in.ResumeLinks {
		still, err := s.switchIs(ctx, uln, in.OptOut)
		if err != nil {
			return nil, err
		}
		if still { // nothing moves
			return s.SharingPreference(ctx, l)
		}
	}
	now := s.now()
	change := PreferenceChange{OptedOut: in.OptOut, At: now, Channel: ChannelSelf}
	sharing, err := s.store.SetSharingPreference(ctx, uln, change, func(sh *Sharing) error {
		if in.OptOut {
			sh.OptOut(now)
		} else {
			sh.OptIn(now, in.ResumeLinks)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if in.OptOut {
		if err := s.awaitLeases(ctx, uln, ""); err != nil {
			return nil, err
		}
	}
	history, err := s.store.PreferenceChanges(ctx, uln)
	if err != nil {
		return nil, err
	}
	return s.preference(l, sharing, history), nil
}

// mayShare asks the store whether the account of the number is suspended: what a
// session knows of that may be a second old, and a suspension switches sharing off.
func (s *Service) mayShare(ctx context.Context, uln ULN) error {
	holder, err := s.store.AccountOf(ctx, uln)
	if err := ignoreNotFound(err); err != nil {
		return err
	}
	if holder != nil && holder.SuspendedAt != nil {
		return IdentityRequired()
	}
	return nil
}

// switchIs confirms by a write that the switch stands where it was read to stand:
// the read may have been of a primary that was replaced since, and the switch
// moved on the new one. For an opt-out it returns only when no disclosure is
// under way, because the answer to the first one may have been lost.
func (s *Service) switchIs(ctx context.Context, uln ULN, optedOut bool) (bool, error) {
	errMoved := errors.New("the switch was moved meanwhile")
	_, err := s.store.EditSharing(ctx, uln, func(sh *Sharing) error {
		if sh.ChangedAt == nil || sh.OptedOut != optedOut {
			return errMoved
		}
		return nil
	})
	if errors.Is(err, errMoved) {
		return false, nil
	}
	if err != nil || !optedOut {
		return err == nil, err
	}
	return true, s.awaitLeases(ctx, uln, "")
}

// contentChanged tells every link that what it may show has changed, and
// returns when no disclosure of what was before is under way. It follows every
// such change, and every repeat of one: its second write may have been lost
// with the process that made the first.
func (s *Service) contentChanged(ctx context.Context, uln ULN) error {
	ctx = context.WithoutCancel(ctx) // the change is made: its announcement must not depend on who waits for it
	if _, err := s.store.EditSharing(ctx, uln, func(sh *Sharing) error {
		sh.Edition++
		return nil
	}); err != nil {
		return err
	}
	return s.awaitLeases(ctx, uln, "")
}

// leasePoll is how often a waiting owner looks whether disclosures ended.
const leasePoll = 10 * time.Millisecond

// awaitLeases returns when no disclosure of linkID ("" for any) is under way.
// The write that stops new ones has been made before. A lease taken before
// that write has at most LeaseLife left on any replica's clock, so waiting that
// long by this process's own monotonic clock is enough whatever the clocks say.
func (s *Service) awaitLeases(ctx context.Context, uln ULN, linkID string) error {
	deadline := time.NewTimer(LeaseLife)
	defer deadline.Stop()
	poll := time.NewTicker(leasePoll)
	defer poll.Stop()
	for {
		sharing, err := s.store.Sharing(ctx, uln)
		if err == nil && sharing.LiveLeases(linkID, s.now()) == 0 {
			return nil
		}
		select {
		case <-poll.C:
		case <-deadline.C:
			return nil
		case <-ctx.Done():
			return Unavailable(ctx.Err(), time.Second)
		}
	}
}
