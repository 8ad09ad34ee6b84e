namespace ZeroOS.Tests.Repository.Limits;

/// <summary>Limits of what a tenant multiplies in the engine.</summary>
internal static class DeploymentLimits
{
    public static readonly Limit[] Rows =
    [
        new(
            "deployments of a tenant",
            "tenant",
            "64",
            "64 x tenants (owner grants them)",
            "over-capacity, nothing stored",
            "DeploymentAdmission.MaxDeployments",
            "DeploymentAdmissionTests"),
        new(
            "networks of a tenant",
            "tenant",
            "64",
            "64 x tenants",
            "over-capacity, nothing stored",
            "NetworkKind.MaxNetworks",
            "DeploymentAdmissionTests"),
        new(
            "workloads of a deployment",
            "tenant",
            "64",
            "64 x deployments",
            "invalid, with the path",
            "DeploymentValidator.MaxWorkloads",
            "DeploymentValidatorTests"),
        new(
            "text of an error in a status",
            "guest, registry",
            "300 characters",
            "one a workload",
            "cut, control and direction characters replaced",
            "TenantSteps.MaxMessage",
            "HostileTextTests.It_is_never_longer_than_asked_for"),
    ];
}
