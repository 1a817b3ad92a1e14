package devop

import "net/http"

const everywherePath = "/sign-out-everywhere"

type everywherePage struct {
	Action  string
	Problem string
	People  []listed
}

// everywhere is where a person signs out of all that they signed in to. At One
// Login that is a page of their account; here, somebody is chosen from the list.
func (p *provider) everywhere(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.refuse(w, r, invalidRequest("the request cannot be read"))
		return
	}
	t := textsFor(r.Form.Get("ui_locales"))
	page := everywherePage{Action: everywherePath, People: make([]listed, len(p.cfg.People))}
	for i, person := range p.cfg.People {
		page.People[i] = listed{person, i}
	}
	if t.Lang != english.Lang {
		page.Action += "?ui_locales=" + t.Lang
	}
	if r.Method != http.MethodPost {
		p.render(w, http.StatusOK, t, "everywhere", page)
		return
	}
	person, ok := p.person(r.PostForm.Get("subject"))
	switch {
	case !ok:
		page.Problem = t.EverywhereChoose
		p.render(w, http.StatusBadRequest, t, "everywhere", page)
	case p.tellApp(r.Context(), person.Subject):
		p.render(w, http.StatusOK, t, "message", message{Heading: t.OutHeading, Body: t.EverywhereBody})
	default:
		p.render(w, http.StatusBadGateway, t, "message", message{Heading: t.UntoldHeading, Body: t.UntoldBody})
	}
}
