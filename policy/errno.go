package policy

func errnoName(uint16) (string, bool) { return "", false }
