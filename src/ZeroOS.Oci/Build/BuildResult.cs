namespace ZeroOS.Oci.Build;

/// <summary>The flist that a build wrote.</summary>
/// <param name="ManifestDigest">`sha256:` and 64 digits: the name of the flist.</param>
/// <param name="DeviceBytes">Size of the device a guest sees.</param>
/// <param name="StoredBytes">Bytes of all data blobs.</param>
/// <param name="ChunkCount">Records in the index; ranges of zeros have none.</param>
/// <param name="Files">Inodes in the file system.</param>
/// <param name="IgnoredXattrs">Extended attributes left out because Linux has no place for them.</param>
public sealed record BuildResult(string ManifestDigest, long DeviceBytes, long StoredBytes, int ChunkCount, int Files, int IgnoredXattrs);
