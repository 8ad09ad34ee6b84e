using System.Text.Json.Serialization;

namespace ZeroOS.Client.Attestation;

/// <summary>What came of one check.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Verdict>))]
public enum Verdict
{
    /// <summary>It is so, by the TPM's signature.</summary>
    [JsonStringEnumMemberName("holds")]
    Holds,

    /// <summary>It is not so.</summary>
    [JsonStringEnumMemberName("fails")]
    Fails,

    /// <summary>Nothing was given to compare with, or nothing can prove it.</summary>
    [JsonStringEnumMemberName("open")]
    Open,
}
