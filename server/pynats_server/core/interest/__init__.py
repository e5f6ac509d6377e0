"""Who gets a subject: subscriptions, and the list that finds them. Used by all of the data plane
and by compiled subscribers elsewhere; knows no connections and no accounts."""
