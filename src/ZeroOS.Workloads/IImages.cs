using ZeroOS.Contracts.Deployments;
using ZeroOS.Linux;

namespace ZeroOS.Workloads;

/// <summary>Images on the node: fetched by digest, verified chunk by chunk, kept.</summary>
public interface IImages
{
    /// <summary>
    /// Makes an image ready to be booted from: manifest, config and index are here and verified. Nothing else is fetched before <see cref="IImage.Allow"/>.
    /// What comes back is one machine's: dispose it when the machine needs the image no longer.
    /// </summary>
    /// <exception cref="WorkloadException">image-not-found (permanent), image-invalid (permanent), registry-unreachable, registry-denied,
    /// disk-full.</exception>
    Task<IImage> PrepareAsync(string tenant, FlistReference reference, CancellationToken cancellation);
}

/// <summary>An image that a machine can boot from, as long as it is not disposed. Its disposal ends nothing that a monitor still reads.</summary>
public interface IImage : IDisposable
{
    /// <summary>"sha256:..." of its manifest.</summary>
    string Digest { get; }

    /// <summary>Its OCI config, as far as running needs it.</summary>
    ImageConfig Config { get; }

    /// <summary>Stored bytes of its chunks fetched so far.</summary>
    long BytesFetched { get; }

    /// <summary>Stored bytes of all its chunks.</summary>
    long BytesTotal { get; }

    /// <summary>Bytes of the node's disk that it takes when all of it is here: plain chunks, index, config and manifest.</summary>
    long BytesCounted { get; }

    /// <summary>Its bytes were counted for the machine's tenant and may be fetched from now on, first what is needed at start.</summary>
    void Allow();

    /// <summary>Opens what a monitor is handed: device (read-only), index (read-only), verified bitmap (read-only mapping).</summary>
    (FileDescriptor Device, FileDescriptor Index, FileDescriptor Verified) OpenForMonitor();

    /// <summary>
    /// Serves chunk requests on the node's end of a monitor's chunk socket until it closes; again after a restart of the node with the end PID 1 kept.
    /// </summary>
    void Serve(SeqPacketSocket nodeEnd);

    /// <summary>Why reads wait just now (code and sentence), or null: "registry-unreachable", "chunk-forged".</summary>
    (string Reason, string Message)? Trouble { get; }

    /// <summary>The workload runs: the background fill may begin (docs/flist.md, "On the node").</summary>
    void WorkloadRuns();
}

/// <summary>The part of an OCI image config that decides how it runs.</summary>
public sealed record ImageConfig
{
    /// <summary>Entrypoint, may be empty.</summary>
    public IReadOnlyList<string> Entrypoint { get; init; } = [];

    /// <summary>Command, may be empty.</summary>
    public IReadOnlyList<string> Cmd { get; init; } = [];

    /// <summary>"NAME=value".</summary>
    public IReadOnlyList<string> Env { get; init; } = [];

    /// <summary>OCI user.</summary>
    public string User { get; init; } = "";

    /// <summary>Working directory.</summary>
    public string WorkingDir { get; init; } = "";

    /// <summary>Stop signal, or empty.</summary>
    public string StopSignal { get; init; } = "";

    /// <summary>Declared volumes' paths.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    /// <summary>What runs a text as a program, the text behind it.</summary>
    public IReadOnlyList<string> Shell { get; init; } = ["/bin/sh", "-c"];

    /// <summary>Its own health check, or null.</summary>
    public ImageHealth? Health { get; init; }
}
