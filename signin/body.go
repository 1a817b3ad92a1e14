package signin

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
)

// maxBody is far above what any of these requests has to say.
const maxBody = 1 << 10

const (
	errNotJSON  = why("the body is not announced as JSON")
	errBody     = why("the body is not the object expected")
	errBodySize = why("the body is too long")
)

// readObject reads the JSON object of the body into what in points to. No body is
// an empty object. The Problem counts only with an error.
func readObject(w http.ResponseWriter, r *http.Request, in any) (Problem, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return ProblemBodyTooLarge, errBodySize
	case err != nil:
		return ProblemInvalidBody, errBody
	case len(body) == 0:
		return "", nil
	}
	if !isJSON(r) {
		return ProblemUnsupportedMediaType, errNotJSON
	}
	// An object, and not null, which would leave in as it was.
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil || json.Unmarshal(body, in) != nil {
		return ProblemInvalidBody, errBody
	}
	return "", nil
}

func isJSON(r *http.Request) bool {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && mediaType == "application/json"
}
