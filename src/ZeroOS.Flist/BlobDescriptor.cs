namespace ZeroOS.Flist;

/// <summary>A blob as a manifest names it: its digest and how many bytes it has (OCI image-spec, descriptor.md).</summary>
public readonly record struct BlobDescriptor(Sha256Digest Digest, long Size);
