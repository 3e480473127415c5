package prune

import "pam_persistent/internal/document"

// Document converts a plan.
func (p *Plan) Document() document.Prune {
	d := document.Prune{Version: document.Version, UID: p.UID, User: p.Name,
		Caches: []document.Superseded{}, Unread: []string{}}
	for _, c := range p.Caches {
		one := document.Superseded{Cache: c.Cache.Name, Principal: c.Cache.Principal,
			Ends: document.Stamp(c.Cache.Granting.Ends), Bytes: c.Cache.Bytes,
			By: c.By.Name, ByEnds: document.Stamp(c.By.Granting.Ends),
			Removed: c.Removed}
		if c.Problem != nil {
			one.Problem = c.Problem.Error()
		}
		d.Caches = append(d.Caches, one)
	}
	for _, err := range p.Unread {
		d.Unread = append(d.Unread, err.Error())
	}
	return d
}
