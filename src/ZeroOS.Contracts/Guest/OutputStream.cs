using System.Text.Json.Serialization;

using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Guest;

/// <summary>Which of a workload's two output streams: its number in a Log frame and in the records of a log file, its name on the bus.</summary>
[JsonConverter(typeof(NamedEnumConverter<OutputStream>))]
public enum OutputStream : byte
{
    /// <summary>File descriptor 1 of the workload.</summary>
    [JsonStringEnumMemberName("stdout")] StandardOutput = 1,

    /// <summary>File descriptor 2 of the workload.</summary>
    [JsonStringEnumMemberName("stderr")] StandardError = 2,
}
