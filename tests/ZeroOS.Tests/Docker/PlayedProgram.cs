using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Tests.Docker;

/// <summary>What the program of a played machine says, and how it ends; null: it runs until it is stopped.</summary>
internal sealed record PlayedProgram(string Output = "", string Errors = "", int? Code = 0, string? Reason = null, HealthStatus? Health = null);
