package plr

// Text says to the person of the account what happened and what they can do.
func (n *AccountNotice) Text() Text {
	return noticeTexts[n.Kind]
}

var noticeTexts = map[NoticeKind]Text{
	NoticeClaimedByAnother: T(
		"Somebody tried to connect another account to your learning record. Your record is still connected to this account alone. If it was not you, contact us.",
		"Ceisiodd rhywun gysylltu cyfrif arall â'ch cofnod dysgu. Mae eich cofnod yn dal i fod wedi'i gysylltu â'r cyfrif hwn yn unig. Os nad chi oedd hwn, cysylltwch â ni."),
	NoticeMoved: T(
		"A caseworker has connected your learning record to another account. If you did not ask for this, contact us.",
		"Mae gweithiwr achos wedi cysylltu eich cofnod dysgu â chyfrif arall. Os na ofynnoch am hyn, cysylltwch â ni."),
	NoticeConnected: T(
		"A caseworker has connected this account to your learning record.",
		"Mae gweithiwr achos wedi cysylltu'r cyfrif hwn â'ch cofnod dysgu."),
	NoticeDisconnected: T(
		"A caseworker has found that the learning record connected to this account is not yours. It is not connected any more.",
		"Mae gweithiwr achos wedi canfod nad eich cofnod chi yw'r cofnod dysgu a gysylltwyd â'r cyfrif hwn. Nid yw wedi'i gysylltu mwyach."),
	NoticeRestored: T(
		"A caseworker has checked your details. Your learning record is open to you again. Sharing is switched off until you switch it on.",
		"Mae gweithiwr achos wedi gwirio eich manylion. Mae eich cofnod dysgu ar agor i chi eto. Mae rhannu wedi'i ddiffodd nes i chi ei droi ymlaen."),
	NoticeRefused: T(
		"A caseworker has looked at your claim and could not connect this account to a learning record.",
		"Mae gweithiwr achos wedi edrych ar eich cais ac ni allodd gysylltu'r cyfrif hwn â chofnod dysgu."),
	NoticeTokenReused: T(
		"We signed you out of an app on one of your devices, because its sign-in was used in two places. Somebody may have copied it. Look at where you are signed in, and end what is not yours.",
		"Rydym wedi eich allgofnodi o ap ar un o'ch dyfeisiau, oherwydd bod ei fewngofnodiad wedi'i ddefnyddio mewn dau le. Efallai bod rhywun wedi'i gopïo. Edrychwch ble rydych wedi mewngofnodi, a gorffennwch yr hyn nad yw'n eiddo i chi."),
}
