"""What is measured of the masked model, measured of one that has learnt nothing."""


use rule read_masked_kmers as read_masked_kmers_of_untrained with:
    input:
        model="<results>/model/random_masked",
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
    output:
        targets="<results>/replicates/random/geometry/token_accuracy/targets.parquet",
    log:
        "<logs>/replicates/random/read_masked_kmers.log",
    benchmark:
        "<benchmarks>/replicates/random/read_masked_kmers.tsv"


use rule token_matches as token_matches_of_untrained with:
    input:
        targets="<results>/replicates/random/geometry/token_accuracy/targets.parquet",
        vocabulary="<results>/dataset/vocabulary.txt",
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
    output:
        clusters="<results>/replicates/random/geometry/token_accuracy/clusters.tsv",
        matches="<results>/replicates/random/geometry/token_accuracy/strong_match.tsv",
        confusion="<results>/replicates/random/geometry/token_accuracy/confusion.parquet",
    log:
        "<logs>/replicates/random/token_matches.log",
    benchmark:
        "<benchmarks>/replicates/random/token_matches.tsv"


use rule token_accuracy as token_accuracy_of_untrained with:
    input:
        targets="<results>/replicates/random/geometry/token_accuracy/targets.parquet",
        clusters="<results>/replicates/random/geometry/token_accuracy/clusters.tsv",
        vocabulary="<results>/dataset/vocabulary.txt",
        train="<results>/dataset/train.arrow",
        test="<results>/dataset/test.arrow",
        predictions="<results>/predictions/random/test.parquet",
    output:
        table="<results>/replicates/random/geometry/token_accuracy.tsv",
        tokens="<results>/replicates/random/geometry/token_accuracy/tokens.parquet",
        sequences="<results>/replicates/random/geometry/token_accuracy/sequences.parquet",
        findings="<results>/replicates/random/geometry/token_accuracy/findings.tsv",
    log:
        "<logs>/replicates/random/token_accuracy.log",
    benchmark:
        "<benchmarks>/replicates/random/token_accuracy.tsv"
