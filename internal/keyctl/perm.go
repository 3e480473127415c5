package keyctl

// Perm is the permissions mask of a key: one byte each for possessor, owner,
// group and others, of which six bits are used (keyctl(2), KEYCTL_SETPERM). A
// possessor also has the rights that one of the other three bytes grants.
type Perm uint32

const (
	OthView Perm = 1 << iota
	OthRead
	OthWrite
	OthSearch
	OthLink
	OthSetattr
)

const (
	GrpView    = OthView << 8
	GrpRead    = OthRead << 8
	GrpWrite   = OthWrite << 8
	GrpSearch  = OthSearch << 8
	GrpLink    = OthLink << 8
	GrpSetattr = OthSetattr << 8
)

const (
	UsrView    = GrpView << 8
	UsrRead    = GrpRead << 8
	UsrWrite   = GrpWrite << 8
	UsrSearch  = GrpSearch << 8
	UsrLink    = GrpLink << 8
	UsrSetattr = GrpSetattr << 8
)

const (
	PosView    = UsrView << 8
	PosRead    = UsrRead << 8
	PosWrite   = UsrWrite << 8
	PosSearch  = UsrSearch << 8
	PosLink    = UsrLink << 8
	PosSetattr = UsrSetattr << 8
)

// String returns the mask as "keyctl describe" shows it: for each of possessor,
// owner, group and others the letters of setattr, link, search, write, read and
// view. For 3f010000 that is "alswrv-----v------------". The two highest bits of
// each byte have no meaning and are left out.
func (p Perm) String() string {
	const letters = "alswrv"
	text := make([]byte, 0, 4*len(letters))
	for class := 24; class >= 0; class -= 8 {
		for i := range len(letters) {
			if p>>class&(1<<(len(letters)-1-i)) != 0 {
				text = append(text, letters[i])
			} else {
				text = append(text, '-')
			}
		}
	}
	return string(text)
}
