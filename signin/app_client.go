package signin

// AppClient is a mobile app that may have sessions. It keeps no secret: what
// proves it is a redirect address that only its own installation is given.
type AppClient struct {
	// ID names it in requests, for example "lr-ios".
	ID string `json:"id"`
	// RedirectURIs are compared byte by byte: claimed https links, and in
	// development addresses on loopback.
	RedirectURIs []string `json:"redirectUris"`
	// AppleAppIDs ("TEAMID.bundle.id") are served in apple-app-site-association.
	AppleAppIDs []string `json:"appleAppIds,omitempty"`
	// AndroidApps are served in assetlinks.json.
	AndroidApps []AndroidApp `json:"androidApps,omitempty"`
}

// AndroidApp is one package with the SHA-256 fingerprints of its certificates,
// in hexadecimal pairs with colons.
type AndroidApp struct {
	Package      string   `json:"package"`
	Fingerprints []string `json:"fingerprints"`
}
