namespace ZeroOS.Formats.Tpm;

/// <summary>An object outside the TPM: the private part, encrypted by its parent, and the TPMT_PUBLIC.</summary>
public sealed record TpmBlob(ReadOnlyMemory<byte> Private, ReadOnlyMemory<byte> Public);
