package lrs

import (
	"bufio"
	"encoding/xml"
	"io"
	"maps"
	"slices"
)

// WriteXML writes the learners from (included) to (not included) as answers of
// the LRS web service under one root element. Importing what it writes gives
// what Update gives. written is called after each learner and may be nil.
func (g *Generator) WriteXML(w io.Writer, from, to int, written func(n int) error) error {
	out := &xmlWriter{b: bufio.NewWriterSize(w, 1<<16)}
	out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- TEST DATA. Everything here is invented: people, places, bodies, numbers. -->\n<LrsAnswers>\n")
	for n := from; n < to; n++ {
		out.person(g.person(n))
		if written == nil {
			continue
		}
		if err := written(n); err != nil {
			return err
		}
	}
	out.raw("</LrsAnswers>\n")
	return out.b.Flush()
}

// xmlWriter writes elements; bufio keeps the first error until Flush.
type xmlWriter struct{ b *bufio.Writer }

func (x *xmlWriter) raw(s string) { _, _ = x.b.WriteString(s) }

func (x *xmlWriter) element(name, value string) {
	x.raw("<" + name + ">")
	_ = xml.EscapeText(x.b, []byte(value))
	x.raw("</" + name + ">\n")
}

func (x *xmlWriter) values(prefix string, values map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		x.element(prefix+name, values[name])
	}
}

func (x *xmlWriter) person(p *generated) {
	x.raw("<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><FindLearnerResponse xmlns=\"http://api.lrs.miap.gov.uk/findmsg\">\n")
	x.element("ResponseCode", "WSRC0004")
	x.raw("<Learner>\n")
	x.values("", p.register)
	x.raw("<LinkedULNs>")
	for _, u := range p.linked() {
		x.raw("<ULN>" + string(u) + "</ULN>")
	}
	x.raw("</LinkedULNs>\n</Learner>\n</FindLearnerResponse></s:Body></s:Envelope>\n")
	x.raw("<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><GetLearnerLearningEventsResponse xmlns=\"http://tempuri.org/\">" +
		"<GetLearnerLearningEventsResult xmlns:a=\"http://api.lrs.qcf.gov.uk/model\">\n")
	x.element("a:ResponseCode", "WSRC0004")
	x.element("a:FoundULN", string(p.uln))
	x.element("a:IncomingULN", string(p.uln))
	x.raw("<a:LearnerRecord>\n")
	for _, e := range p.events {
		x.raw("<a:LearningEvent>\n")
		x.values("a:", e)
		x.raw("</a:LearningEvent>\n")
	}
	x.raw("</a:LearnerRecord>\n</GetLearnerLearningEventsResult></GetLearnerLearningEventsResponse></s:Body></s:Envelope>\n")
}
