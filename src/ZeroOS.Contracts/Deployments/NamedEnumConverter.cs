using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Deployments;

/// <summary>Enumerations by name only: the framework's converter also takes any number, declared or not.</summary>
public sealed class NamedEnumConverter<T>() : JsonStringEnumConverter<T>(namingPolicy: null, allowIntegerValues: false) where T : struct, Enum;
