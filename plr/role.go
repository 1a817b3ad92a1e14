package plr

// Role is what somebody may do beyond their own record. Learners have none.
type Role string

// The roles.
const (
	// RoleCaseworker answers review cases and data challenges.
	RoleCaseworker Role = "CASEWORKER"
	// RoleSpecialist does so for learners under the sensitive learners policy too.
	RoleSpecialist Role = "SPECIALIST"
)
