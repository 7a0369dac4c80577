"""The only writers of the state: they turn requests into work and outcomes into state, and import no views."""
