"""Make the classifier's and the masked model's network with nothing learnt, to hold the trained ones against."""

from spikegeometry.logs import configure_logging
from spikegeometry.model.classifier import untrained_classifier
from spikegeometry.model.folders import copy_tokenizer, save_model
from spikegeometry.model.masked import untrained_masked_model
from spikegeometry.model.runtime import prepare

configure_logging(snakemake.log[0])
prepare("cpu", snakemake.threads)
pretrained, output, params = snakemake.input.pretrained, snakemake.output, snakemake.params
models = {
    output.model: untrained_classifier(pretrained, params.classes, params.seed),
    output.masked: untrained_masked_model(pretrained, params.seed),
}
for folder, model in models.items():
    save_model(model, folder)
    copy_tokenizer(pretrained, folder)
