using ZeroOS.Flist;

namespace ZeroOS.Oci.Registry;

/// <summary>A manifest as a registry sent it: the exact bytes, their digest, and the media type the registry says it has.</summary>
public sealed record RegistryManifest(byte[] Bytes, Sha256Digest Digest, string MediaType);
