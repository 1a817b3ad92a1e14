package lrs

// readFault reads a SOAP fault of either version of the service:
// MIAPAPIException and DomainFault both carry an ErrorCode somewhere in the
// detail. Of everything else, which quotes the request, nothing is kept.
func (f *file) readFault(a *Answer) error {
	a.Kind, a.Outcome = KindFault, OutcomeFault
	code := ""
	var look func(name string) error
	look = func(name string) error {
		if name != "ErrorCode" {
			return f.children(look)
		}
		text, fault, err := f.leaf()
		if err == nil && fault == "" && code == "" {
			code = upstreamCode(text)
		}
		return err
	}
	if err := f.children(look); err != nil {
		return err
	}
	a.refuse("", RejectFault, code)
	return nil
}

// readUnknown passes over an answer to something else. It is a reject: that
// nothing of it was imported must not go unnoticed.
func (f *file) readUnknown(a *Answer) error {
	a.Kind, a.Outcome = KindUnknown, OutcomeUnknown
	if err := f.skip(); err != nil {
		return err
	}
	a.refuse("", RejectUnknownAnswer, "")
	return nil
}
