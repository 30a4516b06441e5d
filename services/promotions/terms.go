package promotions

// setTermsVersion sets the version of the terms of an updated promotion. The parameter old is the promotion before the
// update, or the zero value for a new promotion.
func (p *Promotion) setTermsVersion(old Promotion) {
	p.Terms.Version = old.Terms.Version
	if p.Terms.Text != old.Terms.Text {
		p.Terms.Version++
	}
}
