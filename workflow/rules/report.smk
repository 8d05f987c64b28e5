"""One self-contained page about the matrix."""


rule report:
    input:
        report_files,
        figures=rules.matrix_figures.output,
        comparisons=f"{STUDY}/comparisons.csv",
        captions=CAPTION_FILES,
    output:
        page=f"{RESULTS}/report.html",
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{BENCHMARKS}/report.tsv"
    params:
        settings=settings(lambda wildcards: report_settings()),
        content=content(lambda wildcards: CAPTION_FILES),
        code=code("report"),
        root=lambda wildcards, output: os.path.dirname(output.page),
        captions=lambda wildcards, input: (
            f"--captions {shlex.quote(os.path.dirname(input.captions[0]))}"
            if input.captions
            else ""
        ),
    message:
        "write {output.page}"
    shell:
        "myoassist report --settings {params.settings:q} --root {params.root:q}"
        " --output {output.page:q} {params.captions} 2> {log:q}"
