namespace ZeroOS.Oci.Build;

/// <summary>What a build or a push is doing.</summary>
public enum BuildPhase
{
    /// <summary>Bringing layers from a registry; bytes are as stored.</summary>
    Pulling,

    /// <summary>Reading layers; bytes are those of the archives as stored.</summary>
    Reading,

    /// <summary>Writing chunks; bytes are those of the device.</summary>
    Writing,

    /// <summary>Sending blobs; bytes are as stored.</summary>
    Pushing,
}

/// <summary>How far it is: bytes done and in all; the latter is 0 when it cannot be known.</summary>
public readonly record struct BuildProgress(BuildPhase Phase, long DoneBytes, long TotalBytes);
