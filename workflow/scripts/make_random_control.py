"""Make the classifier's network with nothing learnt, to hold the trained one against."""

from spikegeometry.logs import configure_logging
from spikegeometry.model.classifier import untrained_classifier
from spikegeometry.model.folders import copy_tokenizer, save_model
from spikegeometry.model.runtime import prepare

configure_logging(snakemake.log[0])
prepare("cpu", snakemake.threads)
pretrained, folder = snakemake.input.pretrained, snakemake.output.model
save_model(untrained_classifier(pretrained, snakemake.params.classes, snakemake.params.seed), folder)
copy_tokenizer(pretrained, folder)
