package main

import "openplr/signin"

// devopProvider is what the relying party must know of the development provider.
type devopProvider struct {
	issuer, clientID, coreIssuer, did, didURL string
	staff                                     []signin.StaffRole
}

// introduce tells the relying party about the provider, and adds what a newcomer
// tries things out with: an app, whose codes arrive at our own page, where curl
// takes over.
func (d devopProvider) introduce(config *signin.Config) {
	config.Issuer, config.ClientID = d.issuer, d.clientID
	if config.Identity.VTR != "" {
		config.Identity.Issuer, config.Identity.DID, config.Identity.DIDURL = d.coreIssuer, d.did, d.didURL
	}
	config.StaffRoles = append(config.StaffRoles, d.staff...)
	config.AppClients = append(config.AppClients, signin.AppClient{ID: "dev-app", RedirectURIs: []string{config.PublicURL + "/app/callback"}})
}
