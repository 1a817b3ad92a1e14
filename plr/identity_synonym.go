package plr

import "strings"

// givenNames are given names in use for each other, a group a line, as foldName
// gives them. A name may stand in several groups; the groups stay apart, so that
// Alexander and Alexandra are not one name for standing beside Alex. Family names
// have no synonyms.
const givenNames = `
alexander alex alec xander sandy alasdair alistair
alexandra alex alexa sandra lexi sandy
andrew andy drew
anthony antony tony
benjamin ben benny
catherine catharine katharine katherine kathryn cathryn kate katie katy kathy cathy kat kitty
charles charlie charley chas
charlotte charlie lottie charley
christina christine chris chrissie tina
christopher chris topher kit
daniel dan danny
danielle dani danni
david dave davey dafydd dai dewi
deborah debra debbie deb
dominic dom
edward ed eddie ned ted teddy
eleanor elinor ellie nell elen
elizabeth elisabeth liz lizzie beth betty eliza libby lisbeth elsie
emily em emmy
francesca fran frankie francis
francis frank frankie fran
frederick fred freddie freddy frederic
gabriel gabe
gareth gaz
geoffrey jeffrey geoff jeff
gregory greg
gwenllian gwen
hannah hanna
henry harry hal
isabella isabel isabelle isobel izzy bella issy
jacob jake
james jim jimmy jamie
jennifer jen jenny jenni
jessica jess jessie
joanna joanne jo joann
john jon johnny jack ioan ieuan ifan
jonathan jon jonny jonathon johnathan
joseph joe joey
joshua josh
kenneth ken kenny
kimberley kimberly kim
lawrence laurence larry laurie
leonard leo len lenny
lewis louis lou
lucy lucie
madeleine madeline maddie maddy
margaret maggie meg peggy marged megan
mark marc
martin martyn
matthew mathew matt
megan meg meghan
michael mike mick micky mikey
mohammed muhammad mohammad mohamed muhammed mohamad mohd md
natalie nat nathalie
natasha tasha
nathan nathaniel nate
nicholas nicolas nick nicky nico
nicola nicky nikki nicole
oliver ollie olly
olivia liv livvy
pamela pam
patricia pat patsy trish tricia
patrick pat paddy
penelope penny
peter pete
philip phillip phil
rachel rachael rach
rebecca rebekah becky becca bex
rhys reece reese
richard rick ricky rich dick
robert rob robbie bob bobby bert
ronald ron ronnie
rosemary rose rosie
samantha sam sammy
samuel sam sammy
sarah sara
sian shan
simon si
sophia sofia sophie
stephanie steph stefanie
stephen steven steve stevie steffan stephan
susan sue susie suzanne susannah
terence terry terrence
theodore theo ted teddy
theresa teresa tess terri
thomas tom tommy tomos
timothy tim
victoria vicky vicki tori
vincent vince
william will bill billy liam wil gwilym
zachary zac zach zak zack
`

// synonyms gives the groups that a name stands in.
var synonyms = func() map[string][]int {
	out := map[string][]int{}
	for group, line := range strings.Split(strings.TrimSpace(givenNames), "\n") {
		for _, name := range strings.Fields(line) {
			out[name] = append(out[name], group)
		}
	}
	return out
}()
