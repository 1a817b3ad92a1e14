package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed static/*.css static/*.js static/LICENSES.txt
var staticFiles embed.FS

//go:embed explorer/dist
var explorerFiles embed.FS

// asset is an embedded file, ready to be sent.
type asset struct {
	content, packed []byte
	mediaType, hash string
}

// statics and explorers are read once per process. What is not in these maps
// is not found: no path from a request reaches a file system.
var (
	statics   = sync.OnceValue(func() map[string]*asset { return readAssets(staticFiles, "static") })
	explorers = sync.OnceValue(func() map[string]*asset { return readAssets(explorerFiles, "explorer/dist") })
)

// mediaTypes by ending: those of the machine differ from host to host.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".html": "text/html; charset=utf-8",
	".txt": "text/plain; charset=utf-8", ".graphql": "text/plain; charset=utf-8",
}

func readAssets(files fs.FS, dir string) map[string]*asset {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		panic(err) // the files are compiled in: only a broken build gets here
	}
	out := map[string]*asset{}
	for _, e := range entries {
		content, err := fs.ReadFile(files, path.Join(dir, e.Name()))
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		a := &asset{content: content, hash: hex.EncodeToString(sum[:6]), mediaType: mediaTypes[path.Ext(e.Name())]}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(content) // a bytes.Buffer takes everything
		_ = z.Close()
		a.packed = b.Bytes()
		out[e.Name()] = a
	}
	return out
}

// assetURL gives the address of a file under /static. It changes with the
// content, so browsers may keep it for good.
func assetURL(name string) (string, error) {
	a := statics()[name]
	if a == nil {
		return "", fmt.Errorf("web: no file static/%s", name)
	}
	return "/static/" + name + "?v=" + a.hash, nil
}

// Static is GET /static/: style sheets, scripts and their licences.
func (p *Pages) Static(w http.ResponseWriter, r *http.Request) {
	a := statics()[strings.TrimPrefix(r.URL.Path, "/static/")]
	if a == nil {
		p.NotFound(w, r)
		return
	}
	a.serve(w, r)
}

// Explorer is GET /explorer and /explorer/: the GraphQL explorer, when the
// configuration wants one.
func (p *Pages) Explorer(w http.ResponseWriter, r *http.Request) {
	name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/explorer"), "/")
	if name == "" {
		name = "index.html"
	}
	a := explorers()[name]
	if !p.Config.Explorer || a == nil {
		p.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", explorerPolicy)
	a.serve(w, r)
}

// serve sends the file. An address that names this content by hash never
// changes its meaning; any other may be kept for five minutes.
func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	etag := `"` + a.hash + `"`
	h.Set("Cache-Control", "public, max-age=300")
	if r.URL.Query().Get("v") == a.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("ETag", etag)
	h.Add("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := a.content
	if acceptsGzip(r) {
		body = a.packed
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", "W/"+etag) // two encodings, one meaning
	}
	h.Set("Content-Type", a.mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// acceptsGzip: named and not refused by q=0. Anything unusual gets the plain file.
func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";")
		if strings.EqualFold(name, "gzip") {
			return params != "q=0" && !strings.HasPrefix(params, "q=0.0")
		}
	}
	return false
}
