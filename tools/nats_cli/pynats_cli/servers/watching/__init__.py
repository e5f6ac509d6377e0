"""What servers report by themselves, collected for live views: servers, accounts, API requests."""
