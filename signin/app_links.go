package signin

import (
	"net/http"
)

// AppCallbackPath is the claimed link by which a browser hands over to an app. Who
// has not the app installed arrives at the web room's page there.
const AppCallbackPath = "/app/callback"

// ProblemNoApps: no app of this kind is registered.
const ProblemNoApps Problem = "no_apps"

type (
	appleAssociation struct {
		Applinks struct {
			Details []appleDetail `json:"details"`
		} `json:"applinks"`
	}
	appleDetail struct {
		AppIDs     []string            `json:"appIDs"`
		Components []map[string]string `json:"components"`
	}
	assetLink struct {
		Relation []string    `json:"relation"`
		Target   assetTarget `json:"target"`
	}
	assetTarget struct {
		Namespace    string   `json:"namespace"`
		Package      string   `json:"package_name"`
		Fingerprints []string `json:"sha256_cert_fingerprints"`
	}
)

// AppleAssociation serves GET /.well-known/apple-app-site-association: which apps
// of Apple's may open our claimed link.
func (s *SignIn) AppleAssociation(w http.ResponseWriter, r *http.Request) {
	var ids []string
	for _, client := range s.config.AppClients {
		ids = append(ids, client.AppleAppIDs...)
	}
	var out appleAssociation
	out.Applinks.Details = []appleDetail{{AppIDs: ids, Components: []map[string]string{{"/": AppCallbackPath}}}}
	s.serveLinks(w, r, len(ids), out)
}

// AssetLinks serves GET /.well-known/assetlinks.json: which apps on Android may.
func (s *SignIn) AssetLinks(w http.ResponseWriter, r *http.Request) {
	var out []assetLink
	for _, client := range s.config.AppClients {
		for _, app := range client.AndroidApps {
			out = append(out, assetLink{
				Relation: []string{"delegate_permission/common.handle_all_urls"},
				Target:   assetTarget{Namespace: "android_app", Package: app.Package, Fingerprints: app.Fingerprints},
			})
		}
	}
	s.serveLinks(w, r, len(out), out)
}

func (s *SignIn) serveLinks(w http.ResponseWriter, r *http.Request, apps int, links any) {
	if !s.begin(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	if apps == 0 {
		s.toProgram(w, r, ProblemNoApps, nil)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	writeJSON(w, http.StatusOK, "application/json", links)
}
