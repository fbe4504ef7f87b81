"""Ranges that statistics cannot leave, by their names in the tables of the analyses."""

UNBOUNDED = (float("-inf"), float("inf"))
# Shares, probabilities, attention, and scores that are scaled to the most they can be.
SHARES = (
    *("share", "null", "sink", "chance", "rollout", "flow_exact", "flow_bound", "flow_gap_none"),
    *("self", "fwd", "bwd", "diag", "vertical", "cluster", "colconc", "diffuse", "hrow", "instance"),
    *("block", "diagonal", "vertical+diagonal", "heterogeneous"),
    *("to_cls", "to_sep", "to_self", "to_prev", "to_next", "to_kmer"),
    *("H_norm", "k_share", "vn_norm", "R", "cka", "small_share", "bound_share", "bound_share_max"),
    *("precision", "chance_differing", "slots_differing"),
    *("similar_share", "anchor_share", "anchor_share_null", "same_domain", "same_kmer", "same_kmer_null", "uniqueness"),
)
# Correlations, cosines, and differences of shares.
SIGNED = (
    *("mean_cosine", "cosine", "self_similarity", "silhouette", "attention_correlation", "symmetry", "directionality"),
    *("spearman_attention", "spearman_flow_bound", "spearman_rollout", "spearman_rollout_specific"),
    *("rollout_specific", "excess", "excess_differing", "excess_sites"),
)
RANGES = dict.fromkeys(SHARES, (0.0, 1.0)) | dict.fromkeys(SIGNED, (-1.0, 1.0))
