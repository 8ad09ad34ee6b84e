namespace ZeroOS.Formats.Tpm;

/// <summary>A loaded object and what is publicly known of it; its name is the hash of that.</summary>
public sealed record TpmKey(TpmEntity Entity, TpmPublic Public);
