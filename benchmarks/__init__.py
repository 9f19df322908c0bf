"""Side-by-side measurements against peers, and checks on machines that CI has not. No package imports anything here."""
