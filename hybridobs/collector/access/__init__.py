"""Who may come in: tokens and certificates, what each may do, how much it may send."""
