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
            "more names of a machine in a network, and their length",
            "tenant",
            "8, 63 characters",
            "8 x networks x machines",
            "invalid, with the path",
            "MachineValidator.MaxAliases",
            "ForeignPartsTests.What_is_not_there_or_does_not_fit_is_refused"),
        new(
            "lines of /etc/hosts for other machines",
            "tenant",
            "64 KiB a machine",
            "64 KiB x machines, while they start",
            "those of other deployments are left out",
            "HostLines.MaxBytes",
            "ForeignPartsTests.Lines_of_hosts_have_a_bound"),
        new(
            "labels of a machine",
            "tenant",
            "128, 16 KiB",
            "machines",
            "invalid, with the path",
            "MachineNamesValidator.MaxLabels, MachineNamesValidator.MaxLabelBytes",
            "MachineNamesValidatorTests"),
        new(
            "lines of hosts, name servers, search domains, groups of a machine",
            "tenant",
            "64, 8, 16, 32",
            "machines",
            "invalid, with the path",
            "MachineNamesValidator.MaxExtraHosts, MachineNamesValidator.MaxServers, MachineNamesValidator.MaxResolverWords, MachineNamesValidator.MaxGroups",
            "MachineNamesValidatorTests.Each_word_has_its_bound"),
        new(
            "file systems in memory, settings, capabilities of a machine",
            "tenant",
            "16 with 16 options, 64 of 256 characters, 64",
            "machines; they are in the guest's own memory",
            "invalid, with the path",
            "MachineInsideValidator.MaxTmpfs, MachineInsideValidator.MaxTmpfsOptions, MachineInsideValidator.MaxSysctls, "
                + "MachineInsideValidator.MaxSysctlValue, MachineInsideValidator.MaxCapabilities",
            "MachineInsideValidatorTests"),
        new(
            "files that a deployment writes into a machine",
            "tenant",
            "64, 256 KiB",
            "machines; a message has 1 MiB",
            "invalid, with the path",
            "MachineFilesValidator.MaxFiles, MachineFilesValidator.MaxBytes",
            "MachineFilesValidatorTests.Everything_else_of_a_file_has_its_rule"),
        new(
            "program and arguments of a health check",
            "tenant",
            "8 KiB",
            "64 x deployments",
            "invalid, with the path",
            "HealthLimits.CommandBytes",
            "HealthRulesTests.Probe_has_at_most_eight_kibibytes_of_program_and_arguments"),
        new(
            "probes of a workload's health",
            "tenant, image",
            "one at a time, a second between two, at most an hour long",
            "machines",
            "invalid, with the path; of an image the nearest that is allowed",
            "HealthLimits.ShortestMs, HealthLimits.LongestMs, HealthLimits.MostRetries",
            "HealthRulesTests.Anything_else_is_invalid_at_its_place"),
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
