"""How much may be published in a time: `bucket` counts it, `limit` has those wait who share one."""
